"""Sounds: the instrument that each part has, and a FluidSynth of jamd's own."""
