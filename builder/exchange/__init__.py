"""In and out: weights, modules and files of other programs."""
