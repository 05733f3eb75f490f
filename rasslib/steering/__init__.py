"""Steering: what happens to a reply when the model is pushed along the refusal direction."""
