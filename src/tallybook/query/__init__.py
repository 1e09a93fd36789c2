"""From rows to numbers.

`question` is what is asked, in the words of `metrics`, `dimensions`, `filters` and `clocks`; `statement` makes one SQL
statement of it; `grid` and `answer` make the numbers of its rows, with their `coverage`. `own` is what users add, and
`reports` is what a book says of itself.
"""
