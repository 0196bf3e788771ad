"""What a study runs next, stage by stage."""
