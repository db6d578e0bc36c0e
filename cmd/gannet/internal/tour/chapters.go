package tour

func chapters() []chapter {
	return []chapter{
		{
			"late_stream", "The stream appears late",
			"Nobody listens yet: the server answers \"no responders\", nothing is stored, so sending again is safe.", lateStream,
		},
		{
			"lost_ack", "An ack is lost on its way",
			"After a timeout nobody knows whether the line is stored. Only a message id makes sending again safe.", lostAck,
		},
		{
			"broken_window", "The link breaks under a window of asynchronous publishes",
			"Every future has to end, and every line has to be stored once.", brokenWindow,
		},
		{
			"black_hole", "The link turns into a black hole under Fetch",
			"No error, no end of connection: only the heartbeats that do not come tell.", blackHole,
		},
		{
			"reaped_consumer", "The consumer is deleted while a slow handler works",
			"The server deletes an inactive consumer without a word. The next Fetch finds out, and a new consumer carries on.", reapedConsumer,
		},
		{
			"whole_file", "The text equals the file",
			"What both readings brought, put together in the order of the file.", wholeFile,
		},
	}
}
