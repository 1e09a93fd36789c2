"""A question made into one portable statement, and what that rests on."""
