"""MIDI itself: messages, their numbers, what is held down, and how a message is known again."""
