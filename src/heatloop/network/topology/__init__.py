"""Questions about shape: upstream, downstream, who is affected, what to close, what is where."""
