"""The contract's messages and the model, both ways: one file per thing spoken of. Nothing else knows both."""
