"""RASS: probe a language model's safety decision boundary, and pick the prompts that mend it."""

import os

__version__ = "0.1.0"

# Set before torch is imported: math threads that spin while they wait slow everything else on a shared machine.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
