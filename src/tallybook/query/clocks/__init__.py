"""Time: words, ranges and slots by the clocks of a zone, and what a range is compared with. Pure but for `closed`."""
