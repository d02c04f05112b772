"""The live side: it listens, keeps time, and plays what its worker writes.

`session` makes every musical decision, of `timing`, `listening` and `playing`, and does no I/O;
`loop` carries them out; `play` opens everything that they need.
"""
