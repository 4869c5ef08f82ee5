"""In and out: models and weights from elsewhere become specs and their weights, and specs go elsewhere."""
