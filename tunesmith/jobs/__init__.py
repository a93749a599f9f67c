"""Who runs when: a job from its creation to its end. No torch here; training happens in `workers/`."""
