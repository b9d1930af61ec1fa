"""One module a channel. Channels check, translate and deliver; they decide nothing."""
