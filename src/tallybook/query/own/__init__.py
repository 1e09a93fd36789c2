"""What is the user's own: teams and tags by rules, and business metrics."""
