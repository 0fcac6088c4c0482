"""HTTP as the contract has it; reads the view, sends commands, never touches a table."""
