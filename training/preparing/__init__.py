"""From files of music to a corpus."""
