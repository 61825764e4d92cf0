# Prints what the server here is.
ask ROLE | head -n 1
