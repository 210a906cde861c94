"""Records of any source, as files or as messages, become events as a mapping says; no service, no gRPC, no clock."""
