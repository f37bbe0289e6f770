"""The HTTP, server-sent-event and WebSocket face of `app`; serves the built screens."""
