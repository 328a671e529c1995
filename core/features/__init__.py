"""What a model is shown: named features of the book, its flow and the parent order, streamed and in batch."""
