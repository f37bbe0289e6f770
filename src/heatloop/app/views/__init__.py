"""Read models: what people and programs see through the API, one frozen record each."""
