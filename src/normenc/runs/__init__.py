"""What a finished run is: what stands in its folder, how that gets there, and how it is read back."""
