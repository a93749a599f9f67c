"""What a training file and a base model mean: reading, judging, rendering and counting. No torch here."""
