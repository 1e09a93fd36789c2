"""The emulator, seen by clients that we did not write."""
