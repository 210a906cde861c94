"""How Andon is shipped: the image, the Kubernetes manifests, and the rules that they must follow."""
