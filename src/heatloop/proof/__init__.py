"""What heatloop can show of itself: where it stands on every clause, and by which test."""
