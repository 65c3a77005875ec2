import Diagnostics
import Foundation
import Layers
import Models
import Safetensors
import Tensors
import TestSupport
import Testing
import Vision

@testable import Training

@Suite struct ScriptFileTests {
    private let folder: TemporaryFolder
    private let results: SafetensorsFile

    init() throws {
        folder = try TemporaryFolder()
        results = try SafetensorsFile(Fixtures.url("torchscript/results.safetensors"))
    }

    private func file(_ name: String) -> ScriptFile { ScriptFile(Fixtures.url("torchscript/\(name).pt")) }

    private func model(
        _ name: String, _ output: ScriptedModel.Output = .features, imageSize: Int = 32
    ) throws -> LoadedModel {
        try file(name).model(
            ScriptFile.Declaration(output: output, imageSize: imageSize, preprocessing: .imageNet))
    }

    private func images(_ count: Int = 2, _ name: String = "images") throws -> Tensor {
        // In channels-last order, as they come from files.
        try Fixtures.tensor(name, count, 3, 32, 32).channelsLast()
    }

    private func message(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    // MARK: Numbers

    @Test(arguments: ["scripted", "traced", "logits", "frozen"])
    func `computes what PyTorch computes`(_ name: String) throws {
        let model = try model(name, name == "logits" ? .logits : .features)
        let output = try model.network(images(), mode: .evaluation)
        #expect(try Tolerance.float32.mismatch(output, results, "\(name).evaluation") == nil)
    }

    @Test(arguments: ["scripted", "traced", "logits"])
    func `gradients are those of PyTorch`(_ name: String) throws {
        let model = try model(name, name == "logits" ? .logits : .features)
        let output = try model.network(images(), mode: .evaluation)
        let direction = try Tensor(Fixtures.noise("direction", output.shape), shape: output.shape)
        try (output * direction).sum().backward()
        let names = try String(contentsOf: Fixtures.url("torchscript/\(name).names.txt"), encoding: .utf8)
            .split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        let gradients = try names.map { words in
            let tensor = try #require(model.parameters["script.\(words[0])"])
            #expect(tensor.shape.map(String.init).joined(separator: "x") == words[1])
            return (words[0], try #require(try tensor.grad))
        }
        #expect(model.parameters.named.count { $0.kind == .parameter } == names.count)
        let found = try Fixtures.probes(gradients)
        let wanted = try results.floats("\(name).gradients")
        #expect(Tolerance.float32Network.mismatchByLargest(found, wanted) == nil)
    }

    @Test func `training mode is the script's own, batch statistics included`() throws {
        let model = try model("scripted")
        let output = try model.network.features(images(8, "more images"), mode: .training)
        #expect(try Tolerance.float32Features.mismatch(output, results, "scripted.training") == nil)
        let mean = try #require(model.parameters["script.norm.running_mean"])
        #expect(try Tolerance.float32.mismatch(mean, results, "scripted.running_mean") == nil)
        #expect(try model.parameters["script.norm.num_batches_tracked"]?.ints() == [1])
    }

    @Test func `dropout draws from the generator whose state is saved`() throws {
        let model = try model("logits", .logits)
        let generator = model.parameters.generator
        let state = try generator.state()
        let first = try model.network(images(), mode: .training).floats()
        #expect(try model.network(images(), mode: .training).floats() != first)
        try generator.restore(state)
        #expect(try model.network(images(), mode: .training).floats() == first)
        let quiet = try model.network(images(), mode: .evaluation).floats()
        #expect(try model.network(images(), mode: .evaluation).floats() == quiet)
    }

    // MARK: Checkpoints

    private func stored(_ model: LoadedModel, _ name: String = "stored") throws -> URL {
        let place = folder.appending(name)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try model.write(to: place)
        return place
    }

    @Test func `a checkpoint holds the code and the weights as they are now`() throws {
        let model = try model("scripted")
        try #require(model.parameters["script.body.bias"]).copy_(.ones([16]))
        let expected = try model.network(images(), mode: .evaluation).floats()
        let place = try stored(model)
        let loaded = try LoadedModel.load(place, device: .cpu)
        #expect(try loaded.network(images(), mode: .evaluation).floats() == expected)
        #expect(loaded.parameters.named.map(\.name) == model.parameters.named.map(\.name))
        #expect(try ScriptFile.checkpoint(at: place.appending(path: "model.safetensors")) != nil)
        // Written over itself, as by a stage that goes on.
        try loaded.write(to: try stored(loaded, "again"))
        #expect(try LoadedModel.load(folder.appending("again"), device: .cpu).card == model.card)
    }

    @Test func `another script beside the card is refused`() throws {
        let place = try stored(model("scripted"))
        let script = place.appending(path: "model.pt")
        try FileManager.default.removeItem(at: script)
        try FileManager.default.copyItem(at: Fixtures.url("torchscript/frozen.pt"), to: script)
        #expect(
            message { _ = try LoadedModel.load(place, device: .cpu) } == """
                error: \(script.path) is not the script that the model.json beside it describes
                  hint: keep a checkpoint's files together; `retort verify` names what was changed
                """)
    }

    @Test func `a classifier of ours stands on features, and on the logits of other classes`() throws {
        let classes = ["a", "b", "c"]
        for (name, output, width) in [
            ("scripted", ScriptedModel.Output.features, 16), ("logits", .logits, 5),
            ("frozen", .features, 16),
        ] {
            let place = try stored(model(name, output), name)
            let loaded = try LoadedModel.load(place, device: .cpu, classes: classes)
            #expect(loaded.parameters["head.weight"]?.shape == [3, width])
            #expect(try loaded.network(images(), mode: .evaluation).shape == [2, 3])
            let again = try LoadedModel.load(stored(loaded, name + " again"), device: .cpu)
            #expect(again.card.classes == classes)
            #expect(
                try again.network(images(), mode: .evaluation).floats()
                    == loaded.network(images(), mode: .evaluation).floats())
        }
    }

    @Test func `a step of training moves the script's parameters and its classifier`() throws {
        let place = try stored(model("scripted"))
        let model = try LoadedModel.load(place, device: .cpu, classes: ["a", "b"])
        let before = try model.parameters.state().mapValues { try $0.floats() }
        let recipe = Recipe(steps: 4, batchSize: 2, learningRate: 1e-2, seed: 0)
        let update = try WeightUpdate(model, recipe: recipe)
        for step in 0..<2 {
            _ = try update(step: step, images: 2) { _ in
                try Loss.crossEntropy(model.network(images(), mode: .training), Tensor([0, 1]))
            }
        }
        for entry in model.parameters.named {
            #expect(try entry.tensor.floats() != before[entry.name], "\(entry.name)")
        }
    }

    // MARK: What is refused

    @Test func `a frozen script has nothing to train but a classifier`() throws {
        let model = try LoadedModel.load(stored(model("frozen")), device: .cpu, classes: ["a", "b"])
        try model.requireTrainable(isProbe: true)
        #expect(
            message { try model.requireTrainable() } == """
                error: the script has no parameters that could learn: torch.jit.freeze made constants of them
                  hint: set mode: probe to train a classifier on its features, or export it without freezing
                """)
        #expect(
            message { try self.model("logits", .logits).requireTrainable(isProbe: true) }?
                .contains("the classifier is part of the script") == true)
    }

    @Test func `pickled weights are told from scripts`() throws {
        #expect(
            message { _ = try model("state_dict") } == """
                error: state_dict.pt is not a TorchScript file: it holds pickled weights, and no code
                  hint: \(ScriptFile.conversion(of: Fixtures.url("torchscript/state_dict.pt")))
                """)
        let old = folder.appending("old.pt")
        try Data([0x80, 2, 0x8A, 10]).write(to: old)
        #expect(
            message { _ = try ScriptFile(old).load() }?
                .hasPrefix("error: old.pt is not a TorchScript file\n  hint: in Python, torch.jit.script")
                == true)
        #expect(
            message { _ = try WeightsFile(Fixtures.url("torchscript/scripted.pt")) }?
                .hasPrefix("error: scripted.pt is an archive of PyTorch, not a safetensors file") == true)
        #expect(
            message { _ = try ScriptFile(folder.appending("none.pt")).load() }?.contains("no file") == true)
    }

    @Test func `outputs that are no rows are refused, and images of another size`() throws {
        let hint = "export a module whose forward returns one tensor of features or logits, [images, numbers]"
        #expect(
            message { _ = try model("maps") } == """
                error: the script returned [2, 4, 30, 30] for 2 images, not one row for each
                  hint: \(hint)
                """)
        #expect(
            message { _ = try model("pair") } == """
                error: the script returned a tuple of 0: [2, 3], 1: [2, 3, 32, 32], not one tensor
                  hint: set output_part to the one with the features: its key, or its number
                """)
        let size = message { _ = try model("traced", imageSize: 48) }
        #expect(
            size?.hasPrefix("error: the script cannot take images of 48 pixels: ") == true, "\(size ?? "")")
        #expect(
            size?.hasSuffix(
                "hint: set image_size to the size that it was exported for: a traced module keeps to it")
                == true)
        #expect(
            message {
                _ = try ModelRegistry.initialize(
                    ModelRegistry.defaults(for: "torchscript"), generator: Generator(seed: 0))
            }?.hasPrefix("error: a torchscript model is made from its file, and from nothing else") == true)
    }
}
