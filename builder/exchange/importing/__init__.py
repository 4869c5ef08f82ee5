"""A module from elsewhere becomes a spec: it is run and recorded, the record is made into blocks, and these are written
and held against the module."""
