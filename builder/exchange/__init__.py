"""In and out: models from elsewhere become specs, and specs go elsewhere."""
