"""Files in, canonical waveforms out: probe, decode, resample to 16 kHz mono, save. Nothing about models."""
