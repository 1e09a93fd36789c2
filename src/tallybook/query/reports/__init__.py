"""What a book says of itself: what it holds, what was restated, how fast it settles."""
