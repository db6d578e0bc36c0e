package natstest

const holdsPorts = true
