package dev.nibble.cli.models;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Proxies as the variables {@code https_proxy}, {@code http_proxy} and {@code no_proxy} say, else as the JVM is told. */
final class EnvironmentProxy extends ProxySelector {
    private final Environment environment;

    EnvironmentProxy(Environment environment) {
        this.environment = environment;
    }

    @Override
    public List<Proxy> select(URI uri) {
        Optional<String> address = variable(uri.getScheme() + "_proxy").or(() -> variable("all_proxy"));
        if (address.isEmpty()) {
            ProxySelector jvm = ProxySelector.getDefault();
            return jvm == null ? List.of(Proxy.NO_PROXY) : jvm.select(uri);
        }
        if (isExcluded(String.valueOf(uri.getHost()))) {
            return List.of(Proxy.NO_PROXY);
        }
        String text = address.get();
        URI proxy = URI.create(text.contains("://") ? text : "http://" + text);
        int port = proxy.getPort() < 0 ? 80 : proxy.getPort();
        return List.of(new Proxy(Proxy.Type.HTTP, new InetSocketAddress(String.valueOf(proxy.getHost()), port)));
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException failure) {}

    private boolean isExcluded(String host) {
        for (String entry : variable("no_proxy").orElse("").split(",")) {
            String suffix = entry.strip();
            if (suffix.startsWith(".")) {
                suffix = suffix.substring(1);
            }
            if (suffix.equals("*") || host.equals(suffix) || (!suffix.isEmpty() && host.endsWith("." + suffix))) {
                return true;
            }
        }
        return host.equals("localhost") || host.startsWith("127.");
    }

    private Optional<String> variable(String name) {
        return environment.get(name).or(() -> environment.get(name.toUpperCase(Locale.ROOT)));
    }
}
