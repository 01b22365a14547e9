"""English to typed clauses: every word of a sentence is claimed by a frame, or the sentence is not understood."""
