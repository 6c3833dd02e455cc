"""The frame of every HTTP door: request id, security headers, bodies, the one error shape, health."""
