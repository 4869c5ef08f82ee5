"""The catalogue and the keys of the language as a JSON Schema, for editors that complete and check TOML."""

from dsl.schema.whole import schema_text

__all__ = ["schema_text"]
