"""wav2vec 2.0, HuBERT and WavLM in plain torch, several times as fast as transformers where the CPU has bfloat16.

`architecture` says whether a checkpoint is one of these, `precision` in which type to compute, `runner` does it with
`convolutions` and `layers`, which are built of `parts`.
"""
