/** Serves models over HTTP as OpenAI, Ollama, Anthropic and llama.cpp do, with a chat page. */
module dev.nibble.server {
    requires transitive dev.nibble.core;
    requires transitive dev.nibble.gguf;
    requires jdk.httpserver;
    requires static jdk.jfr;
    requires static org.jspecify;
    requires static java.logging; // the tests': what is logged
    requires static java.net.http; // and a client

    exports dev.nibble.server;
}
