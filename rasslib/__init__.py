"""RASS: probe a language model's safety decision boundary, and pick the prompts that mend it."""

__version__ = "0.1.0"
