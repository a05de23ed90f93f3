"""What is special about the models of each library."""
