package dev.nibble.tornado;

import dev.nibble.LoadOptions;
import dev.nibble.model.Model;
import dev.nibble.spi.Backend;
import dev.nibble.spi.ForwardPass;

/** The GPU backend on one device. */
final class TornadoBackend implements Backend {
    private final Device device;
    private final LoadOptions options;
    private String offloaded = "";

    TornadoBackend(Device device, LoadOptions options) {
        this.device = device;
        this.options = options;
    }

    @Override
    public String description() {
        return "tornado, " + device.description() + offloaded;
    }

    @Override
    public ForwardPass compile(Model model) {
        TornadoForwardPass pass = TornadoForwardPass.compile(model, device, options);
        offloaded = ", " + pass.offload();
        return pass;
    }

    @Override
    public void close() {}
}
