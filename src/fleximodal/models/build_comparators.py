"""From settings of the methods that Flex-MoE is compared with to their fusions."""
