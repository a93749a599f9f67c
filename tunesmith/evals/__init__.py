"""How good a model is: sample sets, graders, runs and comparisons."""
