"""Networks: a batch in, logits, auxiliary losses and routing out."""
