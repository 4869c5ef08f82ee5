"""Where the parts of a diagram stand: what follows what and what stands side by side, then how much room each takes."""
