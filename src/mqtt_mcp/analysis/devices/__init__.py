"""Which device a message belongs to, how it is doing, and what is wrong with it; pure, fed by one accumulator."""
