"""The screens: Train, Inspect, and the dialogs above them."""
