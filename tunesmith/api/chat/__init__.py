"""`/v1/chat/completions`: what is asked, what is enforced, and the answer."""
