"""Encoders, embedding of long audio, the embedding cache, heads, the trainer and the saved detector."""
