"""What a station does by itself: scalar, standard library only; for edge, control and demo."""
