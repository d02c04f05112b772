"""What is asked of jamd beside the music: by pedal, knob, command or Open Sound Control."""
